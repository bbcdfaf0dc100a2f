"""onnx.checker with full_check: check-onnx.py model.onnx... prints one line of JSON per model, null where it is clean."""
import json
import sys

import onnx

for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(path, full_check=True)
        print(json.dumps(None))
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"[:500]))
