/**
 * Builds ONNX graphs node by node. Every method that makes a value returns it, so that a graph reads like the
 * expression that it computes. Names are numbered in order of creation: the same code always writes the same bytes.
 */
import type onnxProto from 'onnx-proto';
import { type Attributes, attributeProtos } from './attributes.ts';
import { type ElementType, elementTypeNumber, type TensorLiteral, tensorProto } from './tensor-literal.ts';

/** A value in a graph: the output of a node, an input, or a constant. */
export interface Value {
  readonly name: string;
}

/** A fixed size, or the name of a size that is known only when the graph runs. */
export type Dimension = number | string;

export class GraphBuilder {
  readonly #name: string;
  readonly #numbering: { next: number };
  readonly #nodes: onnxProto.onnx.INodeProto[] = [];
  readonly #constants: onnxProto.onnx.ITensorProto[] = [];
  readonly #inputs: onnxProto.onnx.IValueInfoProto[] = [];
  readonly #outputs: onnxProto.onnx.IValueInfoProto[] = [];

  /** @param outer the graph whose values a subgraph may use; names stay unique across both. */
  constructor(name: string, outer?: GraphBuilder) {
    this.#name = name;
    this.#numbering = outer === undefined ? { next: 1 } : outer.#numbering;
  }

  input(name: string, elementType: ElementType, shape: readonly Dimension[]): Value {
    this.#inputs.push(valueInfo(name, elementType, shape));
    return { name };
  }

  /** An input of a subgraph, named by number. */
  parameter(elementType: ElementType, shape?: readonly Dimension[]): Value {
    const name = this.#newName('parameter');
    this.#inputs.push(valueInfo(name, elementType, shape));
    return { name };
  }

  constant(tensor: TensorLiteral): Value {
    const name = this.#newName('constant');
    this.#constants.push(tensorProto(tensor, name));
    return { name };
  }

  /** Adds a node with one output. `undefined` leaves an optional input out. */
  node(operator: string, inputs: readonly (Value | undefined)[], attributes: Attributes = {}): Value {
    return this.nodes(operator, inputs, attributes, 1)[0]!;
  }

  /** Adds a node with several outputs, such as Loop. */
  nodes(
    operator: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    outputCount: number,
  ): readonly Value[] {
    const outputs = Array.from({ length: outputCount }, () => this.#newName(operator));
    this.#nodes.push({
      name: `${outputs[0]}.node`,
      opType: operator,
      input: inputs.map((value) => value?.name ?? ''),
      output: outputs,
      attribute: attributeProtos(attributes),
    });
    return outputs.map((name) => ({ name }));
  }

  /** Declares an output. A name that differs from the value's costs one Identity node. */
  output(value: Value, elementType: ElementType, shape?: readonly Dimension[], name: string = value.name): void {
    if (name !== value.name)
      this.#nodes.push({ name: `${name}.node`, opType: 'Identity', input: [value.name], output: [name] });
    this.#outputs.push(valueInfo(name, elementType, shape));
  }

  /** A graph to put into a node of this one: it may use this graph's values, and its names differ from them. */
  subgraph(name: string): GraphBuilder {
    return new GraphBuilder(name, this);
  }

  /** The finished graph; for a subgraph, the value of a `body`, `then_branch` or `else_branch` attribute. */
  build(): onnxProto.onnx.IGraphProto {
    return {
      name: this.#name,
      node: this.#nodes,
      initializer: this.#constants,
      input: this.#inputs,
      output: this.#outputs,
    };
  }

  #newName(stem: string): string {
    return `${stem}.${this.#numbering.next++}`;
  }
}

function valueInfo(
  name: string,
  elementType: ElementType,
  shape: readonly Dimension[] | undefined,
): onnxProto.onnx.IValueInfoProto {
  const dim = shape?.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return {
    name,
    type: {
      tensorType: { elemType: elementTypeNumber(elementType), ...(dim === undefined ? {} : { shape: { dim } }) },
    },
  };
}
