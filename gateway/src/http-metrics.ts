import { Histogram, type Registry } from 'prom-client'
import type { Route } from './route.ts'

/** Seconds per answer, by route (its pattern, never the path), method and status. */
export function createHttpMetrics(registry: Registry): (route: Route, status: number, seconds: number) => void {
  const histogram = new Histogram({
    name: 'trunkline_http_request_seconds',
    help: 'How long the API took to answer',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers: [registry],
  })
  return (route, status, seconds) => histogram.observe({ method: route.method, route: route.path, status: String(status) }, seconds)
}
