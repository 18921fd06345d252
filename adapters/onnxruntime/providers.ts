/** Which execution providers work on this machine, and in words of an operator why the others do not. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ProviderSearch } from './graph.ts';
import { loadGraph, reportOf } from './session.ts';

type Missing = ProviderSearch['missing'][number];

/** y = Identity(x), FP32 of one element, as a serialised ONNX model: the smallest graph that a provider can be asked to load. */
const SMALLEST_GRAPH = Buffer.from(
  'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBcFoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=',
  'base64',
);

/** Asks each provider to load a graph: a library that is missing, or a device that is absent, shows only then. */
export async function findProviders(wanted: readonly string[]): Promise<ProviderSearch> {
  const found: string[] = [];
  const missing: Missing[] = [];
  for (const provider of wanted) {
    try {
      const { native } = await loadGraph(SMALLEST_GRAPH, [provider], 1);
      await native.release();
      found.push(provider);
    } catch (error) {
      missing.push(
        missingBecause(provider, reportOf(error instanceof Error ? (error.cause ?? error) : error), facts()),
      );
    }
  }
  return { found, missing };
}

/** What of an accelerator is on this machine. */
export interface AcceleratorFacts {
  /** Files of the runtime's package, such as `libonnxruntime_providers_cuda.so`. */
  readonly hasLibrary: (file: string) => boolean;
  /** The kernel module of NVIDIA is loaded. */
  readonly hasDriver: boolean;
}

function facts(): AcceleratorFacts {
  const home = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const libraries = join(home, 'bin', 'napi-v6', process.platform, process.arch);
  return {
    hasLibrary: (file) => existsSync(join(libraries, file)),
    hasDriver: existsSync('/proc/driver/nvidia/version'),
  };
}

const LIBRARIES: Readonly<Record<string, string>> = {
  cuda: 'libonnxruntime_providers_cuda.so',
  tensorrt: 'libonnxruntime_providers_tensorrt.so',
};
const INSTALL = 'npm rebuild onnxruntime-node --foreground-scripts with ONNXRUNTIME_NODE_INSTALL=cuda12 brings it';

/** @param said first line of what the runtime reported */
export function missingBecause(provider: string, said: string, { hasLibrary, hasDriver }: AcceleratorFacts): Missing {
  if (/backend not found/.test(said))
    return { provider, reason: 'not-built-in', because: 'this build of onnxruntime does not have it' };
  const library = LIBRARIES[provider];
  if (library !== undefined && !hasLibrary(library))
    return { provider, reason: 'library-missing', because: `${library} is not installed: ${INSTALL}` };
  if (library !== undefined && !hasDriver)
    return { provider, reason: 'driver-missing', because: 'no NVIDIA driver is loaded on this machine' };
  if (provider === 'webgpu' && /adapter/i.test(said))
    return {
      provider,
      reason: 'device-missing',
      because: 'no graphics adapter was found: a GPU and its Vulkan driver are needed',
    };
  return { provider, reason: 'failed', because: said };
}
