"""ministack on a port of its own, with what its README names repaired and every decision of IAM written down.

usage: python emulator.py PORT CALLS.jsonl

Each repair says in what it differs from AWS, and stops here when ministack no longer has what it mends.
"""
import json
import os
import sys
import threading

port, calls = sys.argv[1], sys.argv[2]
os.environ.update(
    GATEWAY_PORT=port,
    BIND_HOST="127.0.0.1",
    IOT_MTLS_ENABLED="0",
    AUTH="true",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
)

from ministack.core import iam_evaluator, lambda_runtime  # noqa: E402
from ministack.services import lambda_svc, s3  # noqa: E402


def versioned_ranges():
    """GetObject with a versionId answers with the whole object, whatever range is asked for; ranges come with the
    checksum of the whole object, which no client can hold them against."""
    get_object = s3._get_object

    def without_checksum(answer):
        return {name: value for name, value in answer.items() if not name.lower().startswith("x-amz-checksum-")}

    def repaired(bucket, key, headers, query_params=None):
        status, answer, body = get_object(bucket, key, headers, query_params)
        if status == 206:
            return status, without_checksum(answer), body
        asked = headers.get("range", "")
        if status != 200 or not asked or not (query_params or {}).get("versionId"):
            return status, answer, body
        found = s3._parse_range(asked, len(body))
        if found is None:
            return status, answer, body
        start, end = found
        part = body[start : end + 1]
        answer = without_checksum(answer)
        answer["Content-Length"] = str(len(part))
        answer["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return 206, answer, part

    s3._get_object = repaired


MARK = "torchferry-error:"


def error_names():
    """A function in Node that throws loses the name of its error; one whose process ends is no Runtime.ExitError."""
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    thrown = 'error: String(err.message || err), trace: err.stack || ""'
    assert thrown in script, "ministack writes errors of functions in another way"
    lambda_runtime._NODEJS_WORKER_SCRIPT = script.replace(
        thrown,
        f'error: "{MARK}" + JSON.stringify({{ errorType: err.name || "Error", errorMessage: String(err.message || err),'
        ' trace: String(err.stack || "").split("\\n") }), trace: err.stack || ""',
    )
    execute = lambda_svc._execute_function_warm

    def repaired(func, event, request_id):
        answer = execute(func, event, request_id)
        body = answer.get("body")
        message = body.get("errorMessage", "") if answer.get("error") and isinstance(body, dict) else ""
        if "Broken pipe" in message:
            # It was gone before it was asked: AWS takes another environment.
            return repaired(func, event, request_id)
        if message.startswith(MARK):
            answer["body"] = json.loads(message[len(MARK) :])
        elif answer.get("error") and body.get("errorType") != "Sandbox.Timedout":
            # Not thrown by the function: its process is gone.
            answer["body"] = {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: signal: killed ({message})",
            }
        return answer

    lambda_svc._execute_function_warm = repaired


def secure_transport():
    """Requests come without TLS, which the policies of our buckets refuse, as they should."""
    pin = iam_evaluator.pin_request_origin
    iam_evaluator.pin_request_origin = lambda source_ip, _: pin(source_ip, True)


def roles_of_tasks():
    """Without Docker no task runs: who runs one in its place, as root, gets the credentials of its role from STS."""
    evaluate = iam_evaluator.evaluate_trust_policy

    def repaired(trust_doc, caller_arn, *context):
        trusted = trust_doc if isinstance(trust_doc, str) else json.dumps(trust_doc)
        if caller_arn.endswith(":root") and "ecs-tasks.amazonaws.com" in trusted:
            return True
        return evaluate(trust_doc, caller_arn, *context)

    iam_evaluator.evaluate_trust_policy = repaired


def record_decisions():
    """No gap: what each role asked for, and whether its policies allow it."""
    enforce, resolve = iam_evaluator.enforce, iam_evaluator.resolve_principal
    lock = threading.Lock()

    def recorded(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        principal = resolve(access_key_id or "", "000000000000")
        arn = getattr(principal, "arn", "")
        if ":assumed-role/" in arn:
            role = arn.split("/")[1]
            line = {"role": role, "action": iam_action, "resource": resource_arn, "allowed": denied is None}
            with lock, open(calls, "a") as file:
                file.write(json.dumps(line) + "\n")
        return denied

    iam_evaluator.enforce = recorded


for repair in (versioned_ranges, error_names, secure_transport, roles_of_tasks, record_decisions):
    repair()

from ministack.app import main  # noqa: E402

sys.argv = ["ministack"]
sys.exit(main())
