"""onnxruntime's own weight-only tool, RTN, asymmetric: onnxruntime-weight-only.py fp32.onnx out.onnx BITS BLOCK"""
import sys

import onnx
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

fp32, out, bits, block = sys.argv[1:]
config = DefaultWeightOnlyQuantConfig(block_size=int(block), is_symmetric=False, accuracy_level=1, bits=int(bits))
tool = MatMulNBitsQuantizer(onnx.load(fp32), algo_config=config)
tool.process()
onnx.save(tool.model.model, out)
