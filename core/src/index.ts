export { AppError, errorTable, invalid, type ErrorCode, type Issue } from './errors.ts'
export { createRuntime, type Log, type Runtime } from './runtime.ts'
