/**
 * Imported before onnxruntime, whose official builds since 1.29 report sessions, models and a device id to their maker
 * and keep both on disk. It asks the environment once, when it starts; worker threads inherit what the main thread says.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
