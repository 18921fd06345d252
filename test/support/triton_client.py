"""Drives an inference service with NVIDIA's tritonclient over one transport; prints what happened as JSON."""

import json
import sys

import numpy as np
import tritonclient.utils.shared_memory as shm

transport, address = sys.argv[1], sys.argv[2]
if transport == "http":
    import tritonclient.http as triton
else:
    import tritonclient.grpc as triton

EVERY = {
    "BOOL": np.array([False, True, True]),
    "UINT8": np.array([0, 255], np.uint8),
    "UINT16": np.array([0, 65535], np.uint16),
    "UINT32": np.array([0, 2**32 - 1], np.uint32),
    "UINT64": np.array([2**64 - 1], np.uint64),
    "INT8": np.array([-128, 127], np.int8),
    "INT16": np.array([-32768, 32767], np.int16),
    "INT32": np.array([-(2**31), 2**31 - 1], np.int32),
    "INT64": np.array([-(2**63)], np.int64),
    "FP16": np.array([-1000, 0.5, 65504, 2**-24], np.float16),
    "FP32": np.array([0.5, -1e30], np.float32),
    "FP64": np.array([np.pi], np.float64),
    "BYTES": np.array(["", "CT", "Lungenödem ☢"], object),
}


def infer_input(name, datatype, values, binary=True):
    tensor = triton.InferInput(name, list(values.shape), datatype)
    if transport == "http":
        tensor.set_data_from_numpy(values, binary_data=binary)
    else:
        tensor.set_data_from_numpy(values)
    return tensor


def requested(name, binary=True):
    if transport == "http":
        return triton.InferRequestedOutput(name, binary_data=binary)
    return triton.InferRequestedOutput(name)


def same(datatype, sent, received):
    if datatype == "BYTES":
        return [text.encode() for text in sent] == [
            text if isinstance(text, bytes) else text.encode() for text in received
        ]
    return received.dtype == sent.dtype and bool(np.array_equal(sent, received))


def every_datatype(client, binary):
    # 64-bit integers and half precision are not for JSON (the client has no JSON form of the latter).
    chosen = {name: values for name, values in EVERY.items() if binary or name not in ("FP16", "UINT64", "INT64")}
    if not binary:
        chosen = dict(EVERY, **chosen)
    inputs = [
        infer_input("to" + name, name, values, binary or name in ("FP16", "UINT64", "INT64"))
        for name, values in EVERY.items()
    ]
    outputs = [requested("from" + name, binary or name in ("FP16", "UINT64", "INT64")) for name in chosen]
    result = client.infer("every", inputs, outputs=outputs, request_id="42")
    return {name: same(name, values, result.as_numpy("from" + name)) for name, values in chosen.items()}


def refusal(action):
    try:
        action()
    except triton.InferenceServerException as error:
        return [error.status(), error.message()]
    return None


def plain(value):
    return value if isinstance(value, (dict, list)) else json.loads(value)


def as_json(call, *names):
    return call(*names) if transport == "http" else call(*names, as_json=True)


def shared_memory(client):
    volume = np.arange(1000 * 1000, dtype=np.int64).astype(np.int16).reshape(1000, 1000)
    key = f"/wetread-test-{transport}-{address.rsplit(':')[-1]}"
    regions = [shm.create_shared_memory_region(kind, key + kind, volume.nbytes) for kind in ("input", "output")]
    try:
        shm.set_shared_memory_region(regions[0], [volume])
        for kind in ("input", "output"):
            client.register_system_shared_memory(kind, key + kind, volume.nbytes)
        status = as_json(client.get_system_shared_memory_status)
        entries = status if transport == "http" else list(status["regions"].values())
        tensor = triton.InferInput("hounsfield", list(volume.shape), "INT16")
        tensor.set_shared_memory("input", volume.nbytes)
        output = requested("same")
        output.set_shared_memory("output", volume.nbytes)
        result = client.infer("large", [tensor], outputs=[output])
        received = shm.get_contents_as_numpy(regions[1], np.int16, volume.shape)
        tensor.set_shared_memory("input", volume.nbytes, offset=2)
        report = {
            "registered": sorted(entry["name"] for entry in entries),
            "same": same("INT16", volume, received) and result.get_output("same") is not None,
            "beyond": refusal(lambda: client.infer("large", [tensor]))[0],
            "outside": [
                refusal(lambda: client.register_system_shared_memory("bad", bad, size))[0]
                for bad, size in (("/../etc/passwd", 8), ("/..", 8), ("etc", 8), (key + "input", volume.nbytes + 1))
            ],
        }
        client.unregister_system_shared_memory()
        left = as_json(client.get_system_shared_memory_status)
        report["left"] = len(left if transport == "http" else left.get("regions", {}))
        return report
    finally:
        for region in regions:
            shm.destroy_shared_memory_region(region)


def counts(client):
    [stats] = as_json(client.get_inference_statistics, "every", "1.0.0")["model_stats"]
    return {name: int(stats["inference_stats"][name].get("count", 0)) for name in ("success", "fail", "queue")}


def main():
    client = triton.InferenceServerClient(address)
    report = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready("every", "1.0.0"),
        "server": as_json(client.get_server_metadata),
        "metadata": as_json(client.get_model_metadata, "large"),
        "binary": every_datatype(client, True),
        "unknown": refusal(lambda: client.get_model_metadata("none")),
        "wrongShape": refusal(
            lambda: client.infer("large", [infer_input("hounsfield", "INT16", np.zeros([4], np.int16))])
        ),
    }
    if transport == "http":
        report["json"] = every_datatype(client, False)
    # Larger than every default limit of a gRPC message.
    volume = np.arange(4096 * 4096, dtype=np.int64).astype(np.int16).reshape(4096, 4096)
    result = client.infer("large", [infer_input("hounsfield", "INT16", volume)])
    report["large"] = same("INT16", volume, result.as_numpy("same"))
    report["sharedMemory"] = shared_memory(client)
    report["statistics"] = counts(client)
    report["index"] = as_json(client.get_model_repository_index)
    client.unload_model("large")
    report["unloaded"] = refusal(
        lambda: client.infer("large", [infer_input("hounsfield", "INT16", np.zeros([1, 1], np.int16))])
    )
    client.load_model("large")
    report["loaded"] = client.is_model_ready("large")
    square = np.zeros([2500, 2500], np.float32)
    slow = [infer_input("x", "FP32", square)]
    if transport == "grpc":
        report["deadline"] = refusal(lambda: client.infer("slow", slow, client_timeout=1.0))
    else:
        report["deadline"] = refusal(lambda: client.infer("slow", slow, timeout=1_000_000))
    report["after"] = same("INT16", volume, client.infer("large", [infer_input("hounsfield", "INT16", volume)]).as_numpy("same"))
    client.close()
    json.dump(report, sys.stdout)


main()
