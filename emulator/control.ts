import { type Answer, type Emulator, json, noContent } from './call.ts'
import { readFaults } from './faults.ts'

/** The emulator's own routes, below `/emulator`; none of them is Bitbucket's. Absent: no such route. */
export function answerControl(
  emulator: Emulator,
  method: string,
  path: string,
  query: URLSearchParams,
  body: unknown,
): Answer | undefined {
  const { faults, requests, deliveries } = emulator
  const after = Number(query.get('after') ?? 0)
  switch (`${method} ${path}`) {
    case 'GET /emulator/faults':
      return json({ faults: faults.list() })
    case 'POST /emulator/faults':
      for (const fault of readFaults(body)) faults.add(fault)
      return json({ faults: faults.list() }, 201)
    case 'DELETE /emulator/faults':
      faults.clear()
      return noContent
    case 'GET /emulator/requests':
      return json({ requests: requests.list(after) })
    case 'DELETE /emulator/requests':
      requests.clear()
      return noContent
    case 'GET /emulator/deliveries':
      return json({ deliveries: deliveries.list(after).map(withoutCredentials) })
    case 'DELETE /emulator/deliveries':
      deliveries.clear()
      return noContent
    default:
      return undefined
  }
}

function withoutCredentials<Record extends { readonly headers: Readonly<{ [name: string]: string }> }>(record: Record) {
  const { Authorization: _, ...headers } = record.headers
  return { ...record, headers }
}
