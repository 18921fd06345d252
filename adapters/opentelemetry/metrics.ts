export function prometheusMetrics(_o: unknown) { return async () => ''; }
