/** Encodes a graph as an ONNX file. */
import onnxProto from 'onnx-proto';
import type { GraphBuilder } from './graph-builder.ts';

const { ModelProto } = onnxProto.onnx;

export interface ModelFacts {
  /** Version of the operator set of the default domain. */
  readonly opset: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly description: string;
}

/** IR 8 is the newest that `onnx-proto` describes; onnxruntime reads any operator set with it. */
const IR_VERSION = 8;

/** The bytes of a `.onnx` file; the same graph always gives the same bytes. */
export function writeModel(graph: GraphBuilder, facts: ModelFacts): Uint8Array {
  return ModelProto.encode({
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: facts.opset }],
    producerName: facts.producerName,
    producerVersion: facts.producerVersion,
    docString: facts.description,
    graph: graph.build(),
  }).finish();
}
