"""KServe's Python server with ONNX graphs: kserve_onnx.py HTTP_PORT GRPC_PORT NAME=GRAPH…"""

import sys

import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.utils.numpy_codec import from_np_dtype


class OnnxModel(Model):
    def __init__(self, name: str, path: str):
        super().__init__(name)
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.ready = True

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        feeds = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        names = [output.name for output in payload.request_outputs or self._session.get_outputs()]
        outputs = []
        for name, values in zip(names, self._session.run(names, feeds)):
            output = InferOutput(name, list(values.shape), from_np_dtype(values.dtype))
            output.set_data_from_numpy(values, binary_data=True)
            outputs.append(output)
        return InferResponse(
            response_id=payload.id,
            model_name=self.name,
            infer_outputs=outputs,
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )


http_port, grpc_port, *graphs = sys.argv[1:]
models = [OnnxModel(*graph.split("=", 1)) for graph in graphs]
ModelServer(http_port=int(http_port), grpc_port=int(grpc_port), workers=1, enable_grpc=True).start(models)
