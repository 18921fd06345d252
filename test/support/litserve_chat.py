"""A chat completions server by LitServe: it says which of the pictures that it is sent is the brightest."""
import base64
import io
import json
import sys

import litserve
from PIL import Image


class Brightest(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        parts = request.messages[-1].content
        pictures = [part.image_url.url for part in parts if part.type == "image_url"]
        images = [Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))) for url in pictures]
        return {
            "images": images,
            "schema": request.response_format.json_schema.schema_,
            "asked": [request.model, request.max_tokens, request.temperature, request.n, request.stream],
        }

    def predict(self, inputs):
        means = [sum(image.convert("L").tobytes()) / (image.width * image.height) for image in inputs["images"]]
        brightest = means.index(max(means)) + 1
        said = {"text": f"Image {brightest} of {len(means)} is the brightest.", "picture": brightest, "label": None, "presence": None}
        shapes = {"text": json.dumps([image.mode + str(image.size) for image in inputs["images"]] + inputs["asked"]), "picture": None, "label": None, "presence": None}
        sections = [key for key in inputs["schema"]["required"] if key != "evaluable"]
        yield json.dumps({"evaluable": True, **{key: [said, shapes] for key in sections}})


if __name__ == "__main__":
    server = litserve.LitServer(Brightest(spec=litserve.OpenAISpec()), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
