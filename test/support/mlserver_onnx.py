"""A model of MLServer that runs an ONNX graph: what a site writes for a runtime that MLServer does not bring."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):
    async def load(self) -> bool:
        self._session = onnxruntime.InferenceSession(self.settings.parameters.uri, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        names = [output.name for output in payload.outputs]
        results = self._session.run(names, feeds)
        outputs = [NumpyCodec.encode_output(name, values) for name, values in zip(names, results)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
