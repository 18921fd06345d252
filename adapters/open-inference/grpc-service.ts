/** `inference.GRPCInferenceService` as its protocol file declares it, for both sides. */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { WetreadError } from '../../src/errors.ts';

/** Names are kept, 64-bit integers are text. */
export function grpcInferenceService(): ServiceClientConstructor {
  const path = fileURLToPath(new URL('../../contracts/open-inference/inference.proto', import.meta.url));
  const loaded = loadPackageDefinition(loadSync(path, { keepCase: true, longs: String, defaults: true, oneofs: true }));
  const { GRPCInferenceService } = loaded['inference'] as unknown as Record<string, ServiceClientConstructor>;
  if (GRPCInferenceService === undefined) throw new WetreadError('internal', 'The protocol file lacks its service');
  return GRPCInferenceService;
}
