"""Ranges and parameters of onnxruntime's own tool as JSON: quant-parity.py fp32.onnx calibration.npz ARRAY int8.onnx

By method, then by tensor, lowest and highest; of the static U8S8 model with MinMax its scales, zero points and codes.
"""
import contextlib
import json
import sys

import numpy
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import create_calibrator

fp32, data, array, out = sys.argv[1:]
name = onnx.load(fp32).graph.input[0].name


class Reader(CalibrationDataReader):
    def __init__(self):
        self.samples = iter(numpy.load(data)[array])

    def get_next(self):
        sample = next(self.samples, None)
        return None if sample is None else {name: sample[None]}


METHODS = {
    "MinMax": (CalibrationMethod.MinMax, {}),
    "Percentile": (CalibrationMethod.Percentile, {"num_bins": 2048, "percentile": 99.999, "symmetric": True}),
    "Entropy": (CalibrationMethod.Entropy, {"num_bins": 2048, "num_quantized_bins": 128}),
}
OPERATORS = ["Conv", "Gemm", "MatMul", "Relu", "MaxPool", "Add", "LayerNormalization", "Gather"]


def ranges_by(method, options):
    calibrator = create_calibrator(fp32, OPERATORS, out, calibrate_method=method, extra_options=options)
    calibrator.collect_data(Reader())
    found = calibrator.compute_data().items()
    return {tensor: [float(numpy.ravel(edge)[0]) for edge in value.range_value] for tensor, value in found}


# The tool prints what it does.
with contextlib.redirect_stdout(sys.stderr):
    ranges = {method: ranges_by(*how) for method, how in METHODS.items()}
    quantize_static(
        fp32,
        out,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
tensors = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(out).graph.initializer}
kept = {k: v for k, v in tensors.items() if k.endswith(("_scale", "_zero_point", "_quantized"))}
json.dump({"ranges": ranges, "tensors": {k: v.ravel().tolist() for k, v in kept.items()}}, sys.stdout)
