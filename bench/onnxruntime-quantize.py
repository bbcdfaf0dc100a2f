"""onnxruntime's own tool, static U8S8:
onnxruntime-quantize.py fp32.onnx calibration.npz ARRAY|- int8.onnx [--format QOperator] [--prepared FILE]

The array is that of the one input; with "-" arrays are called as the inputs. With --prepared the model goes through
quant_pre_process first, as the tool's manual wants, and is written to that file in between.
"""
import argparse

import numpy
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

parser = argparse.ArgumentParser()
for name in ("fp32", "data", "array", "out"):
    parser.add_argument(name)
parser.add_argument("--format", choices=[form.name for form in QuantFormat], default="QDQ")
parser.add_argument("--prepared")
given = parser.parse_args()
inputs = [value.name for value in onnx.load(given.fp32, load_external_data=False).graph.input]
arrays = numpy.load(given.data)


class Reader(CalibrationDataReader):
    def __init__(self):
        of_input = {name: arrays[name if given.array == "-" else given.array] for name in inputs}
        self.samples = ({name: array[i : i + 1] for name, array in of_input.items()} for i in range(len(of_input[inputs[0]])))

    def get_next(self):
        return next(self.samples, None)


if given.prepared:
    quant_pre_process(given.fp32, given.prepared)
quantize_static(
    given.prepared or given.fp32,
    given.out,
    Reader(),
    quant_format=QuantFormat[given.format],
    per_channel=True,
    activation_type=QuantType.QUInt8,
    weight_type=QuantType.QInt8,
)
