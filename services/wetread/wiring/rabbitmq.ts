/** From configuration to RabbitMQ: queues whose messages name studies, and where findings are announced. */
import { certificates } from '../../../adapters/credentials/tls-files.ts';
import { type BrokerOptions, readPassword } from '../../../adapters/rabbitmq/broker.ts';
import { RabbitmqPublisher } from '../../../adapters/rabbitmq/findings-publisher.ts';
import { rabbitmqSource } from '../../../adapters/rabbitmq/study-arrived-source.ts';
import type { EventPublisher, Log, StudySource } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { announcesFindings, mappingsOf, OWN_CONTRACT } from '../config-rabbitmq.ts';

export function wireRabbitmqSources({ rabbitmq }: Config, log: Log): readonly StudySource[] {
  const broker = brokerOf(rabbitmq);
  if (broker === undefined) return [];
  const { topology, prefetch } = rabbitmq;
  const mappings = mappingsOf(rabbitmq);
  return rabbitmq.arrivals.map((arrivals) => {
    const name = arrivals.mapping === OWN_CONTRACT ? 'rabbitmq' : `rabbitmq:${arrivals.mapping}`;
    const mapping = mappings.get(arrivals.mapping);
    return rabbitmqSource({ name, broker, arrivals, ...(mapping && { mapping }), topology, prefetch, log });
  });
}

/** Undefined where nobody is told. */
export function wirePublisher(config: Config): (EventPublisher & AsyncDisposable) | undefined {
  const broker = brokerOf(config.rabbitmq);
  if (broker === undefined || !announcesFindings(config)) return undefined;
  return new RabbitmqPublisher({ broker, topology: config.rabbitmq.topology });
}

/** @throws WetreadError `config-invalid`, naming the key of a file that cannot be used */
export function brokerOf({ url, passwordFile, tls }: Config['rabbitmq']): BrokerOptions | undefined {
  if (url === undefined) return undefined;
  // Read anew at every connect; one that is not there now is a mistake in the configuration.
  if (passwordFile !== undefined) readPassword(passwordFile);
  return {
    url,
    ...(passwordFile !== undefined && { passwordFile }),
    ...(tls && { tls: certificates(tls, 'rabbitmq.tls')() }),
  };
}
