/**
 * Imported before the first tensor is made. onnxruntime takes half-precision numbers as Float16Array where that is there
 * (Node 24), and its native part then refuses them (1.30.0); as Uint16Array both agree. It looks once, at the first tensor.
 */
import { Tensor } from 'onnxruntime-node';

const found = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
if (found !== undefined) {
  Reflect.deleteProperty(globalThis, 'Float16Array');
  new Tensor('bool', [false]);
  Object.defineProperty(globalThis, 'Float16Array', found);
}
