"""onnxruntime's own tool, static U8S8: onnxruntime-quantize.py fp32.onnx calibration.npz ARRAY int8.onnx [prepared.onnx]

With the name of a file in between the model goes through quant_pre_process first, as its manual wants.
"""
import sys

import numpy
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

fp32, data, array, out, *prepared = sys.argv[1:]
name = onnx.load(fp32).graph.input[0].name


class Reader(CalibrationDataReader):
    def __init__(self):
        self.samples = iter(numpy.load(data)[array])

    def get_next(self):
        sample = next(self.samples, None)
        return None if sample is None else {name: sample[None]}


if prepared:
    quant_pre_process(fp32, prepared[0])
quantize_static(
    (*prepared, fp32)[0],
    out,
    Reader(),
    quant_format=QuantFormat.QDQ,
    per_channel=True,
    activation_type=QuantType.QUInt8,
    weight_type=QuantType.QInt8,
)
