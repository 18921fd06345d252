/**
 * Imported before onnxruntime, whose official builds since 1.29 report sessions, models and a device id to their maker
 * and keep both on disk. It asks the environment once, when it starts.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
