/** From configuration to the servers of language models that model cards name. */
import {
  type ChatCompletionsGenerator,
  type ChatServer,
  chatCompletionsGenerator,
} from '../../../adapters/chat-completions/generator.ts';
import { encodePng } from '../../../adapters/rendering/png.ts';
import { scaled } from '../../../adapters/rendering/viewport.ts';
import type { Picture } from '../../../src/inference/pictures.ts';
import type { Config } from '../config.ts';
import { openAccess } from './access.ts';

/** @throws WetreadError `config-invalid` where a secret cannot be used */
export async function wireTextGenerator({ inference: { servers } }: Config): Promise<ChatCompletionsGenerator> {
  const opened = Object.entries(servers)
    .filter(([, { kind }]) => kind === 'openai')
    .map(async ([name, server]): Promise<readonly [string, ChatServer]> => {
      const { url, remote, unmarkedImagesMayLeave, timeoutSeconds } = server;
      const access = await openAccess(server, `inference.servers.${name}`);
      return [name, { url, remote, unmarkedImagesMayLeave, timeoutMs: timeoutSeconds * 1000, ...access }];
    });
  return chatCompletionsGenerator({ servers: new Map(await Promise.all(opened)), encode });
}

/** Pictures are never enlarged: that would cost time and add nothing that the model cannot do itself. */
async function encode(picture: Picture, size: number): Promise<Uint8Array> {
  const isSmall = picture.width <= size && picture.height <= size;
  return await encodePng(isSmall ? picture : scaled(picture, { width: size, height: size }));
}
