"""A chat completions server by llama.cpp, whose language model and eye have random weights from a fixed seed.

What it writes means nothing; that it obeys the schema, counts tokens and stops when told is the engine's own work.
Usage: llama_cpp.py FOLDER PORT. Loads when a line comes in, ends when the input does.
"""
import fcntl
import os
import signal
import sys
from pathlib import Path

import gguf
import numpy
import xllamacpp

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 32768
PICTURE, PATCH, EYE_WIDTH, EYE_LAYERS, EYE_HEADS, EYE_INNER = 32, 8, 32, 2, 2, 64
WORDS = "the lungs are clear left right lower lobe small nodule seen without effusion opacity of no heart normal".split()
CHAT_TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"
random = numpy.random.default_rng(7)


def weights(*shape, scale=0.2):
    return random.normal(0, scale, shape).astype(numpy.float32)


def ones(size):
    return numpy.ones(size, numpy.float32)


def vocabulary():
    """Every byte, and a few words, so that the text goes through what judges words."""
    kind = gguf.TokenType
    special = [("<unk>", kind.UNKNOWN), ("<s>", kind.CONTROL), ("</s>", kind.CONTROL)]
    every_byte = [(f"<0x{byte:02X}>", kind.BYTE) for byte in range(256)]
    return special + every_byte + [("\u2581" + word, kind.NORMAL) for word in WORDS] + [("\u2581", kind.NORMAL)]


def liking(token):
    """How gladly it is said: words rather than letters, some item rather than an empty list, true rather than false."""
    text, kind = token
    if kind == gguf.TokenType.NORMAL:
        return 1.0
    said = chr(int(text[3:5], 16)) if kind == gguf.TokenType.BYTE else ""
    if not said.isascii():
        return -9.0
    return {'"': 1.0, "{": -0.2, "f": -2.0}.get(said, -1.0)


def write(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_language_model(path):
    """Architecture `llama`. The first place of the hidden state is the same in every step: it carries the liking."""
    tokens = vocabulary()
    model = gguf.GGUFWriter(path, "llama")
    model.add_context_length(CONTEXT)
    model.add_embedding_length(WIDTH)
    model.add_block_count(LAYERS)
    model.add_feed_forward_length(INNER)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_rope_dimension_count(WIDTH // HEADS)
    model.add_vocab_size(len(tokens))
    model.add_tokenizer_model("llama")
    model.add_token_list([text for text, _ in tokens])
    model.add_token_scores([0.0] * len(tokens))
    model.add_token_types([kind for _, kind in tokens])
    model.add_unk_token_id(0)
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)
    model.add_chat_template(CHAT_TEMPLATE)
    embedding, output = weights(len(tokens), WIDTH, scale=1), weights(len(tokens), WIDTH, scale=0.12)
    embedding[:, 0] = 4
    output[:, 0] = [liking(token) for token in tokens]
    tensors = {"token_embd": embedding, "output": output, "output_norm": ones(WIDTH)}
    for layer in range(LAYERS):
        attended, fed = weights(WIDTH, WIDTH), weights(WIDTH, INNER)
        attended[0] = fed[0] = 0
        block = {"attn_norm": ones(WIDTH), "ffn_norm": ones(WIDTH), "attn_output": attended, "ffn_down": fed}
        block |= {name: weights(WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v")}
        block |= {name: weights(INNER, WIDTH) for name in ("ffn_gate", "ffn_up")}
        tensors |= {f"blk.{layer}.{name}": tensor for name, tensor in block.items()}
    for name, tensor in tensors.items():
        model.add_tensor(f"{name}.weight", tensor)
    write(model)


def write_eye(path):
    """Architecture `clip` with the projector of LLaVA: sixteen patches of a picture become as many tokens."""
    eye = gguf.GGUFWriter(path, "clip")
    eye.add_clip_has_vision_encoder(True)
    eye.add_clip_projector_type("mlp")
    eye.add_vision_image_size(PICTURE)
    eye.add_vision_patch_size(PATCH)
    eye.add_vision_embedding_length(EYE_WIDTH)
    eye.add_vision_feed_forward_length(EYE_INNER)
    eye.add_vision_projection_dim(WIDTH)
    eye.add_vision_block_count(EYE_LAYERS)
    eye.add_vision_head_count(EYE_HEADS)
    eye.add_vision_attention_layernorm_eps(1e-5)
    eye.add_vision_image_mean([0.5] * 3)
    eye.add_vision_image_std([0.5] * 3)
    eye.add_vision_use_gelu(True)
    eye.add_tensor("v.patch_embd.weight", weights(EYE_WIDTH, 3, PATCH, PATCH))
    eye.add_tensor("v.position_embd.weight", weights((PICTURE // PATCH) ** 2, EYE_WIDTH))
    linear = {"mm.0": (WIDTH, EYE_WIDTH), "mm.2": (WIDTH, WIDTH)}
    norms = ["v.pre_ln"]
    for layer in range(EYE_LAYERS):
        block = f"v.blk.{layer}"
        linear |= {f"{block}.{name}": (EYE_WIDTH, EYE_WIDTH) for name in ("attn_q", "attn_k", "attn_v", "attn_out")}
        linear |= {f"{block}.ffn_up": (EYE_INNER, EYE_WIDTH), f"{block}.ffn_down": (EYE_WIDTH, EYE_INNER)}
        norms += [f"{block}.ln1", f"{block}.ln2"]
    for name, shape in linear.items():
        eye.add_tensor(f"{name}.weight", weights(*shape))
        eye.add_tensor(f"{name}.bias", weights(shape[0]))
    for name in norms:
        eye.add_tensor(f"{name}.weight", ones(EYE_WIDTH))
        eye.add_tensor(f"{name}.bias", 0 * ones(EYE_WIDTH))
    write(eye)


def serve(language, eye, port):
    params = xllamacpp.CommonParams()
    params.model.path = str(language)
    params.mmproj.path = str(eye)
    params.model_alias = {"random"}
    params.port = port
    params.n_ctx = CONTEXT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    while server is not None:
        signal.pause()


def main(folder, port):
    language, eye = folder / "language.gguf", folder / "eye.gguf"
    write_language_model(language)
    write_eye(eye)
    # Who opens a file under a lease (fcntl(2)) waits for its end: so long the server says that it is loading.
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    held = os.open(language, os.O_RDWR)
    fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    server = os.fork()
    if server == 0:
        os.close(held)
        serve(language, eye, port)
    if sys.stdin.readline() != "":
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        sys.stdin.read()
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
