import { type Html, html } from './html.ts'

/** What holds for every operation; docs/api.md tells it at length. */
export const guide: readonly { readonly id: string; readonly title: string; readonly body: Html }[] = [
  {
    id: 'start',
    title: 'Begin',
    body: html`<p>JSON over HTTP below <code>/api/v1</code>. The examples of this page run in a shell as they stand, once it knows
where the server is and has a token:</p>
<pre class="setup"><code>export MOORING_URL=https://mooring.example.com
export MOORING_TOKEN=$(curl -s -X POST "$MOORING_URL/api/v1/token" \\
  -H 'Content-Type: application/json' \\
  -d '{"keyId": "…", "keySecret": "…"}' | jq -r .token)</code></pre>
<p>A token lives for ten minutes and is exchanged again from the same API key. Revoking the key ends its tokens within
five seconds.</p>`,
  },
  {
    id: 'errors',
    title: 'Errors',
    body: html`<p>A failure is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is stable; <code>detail</code> says what is
wrong, with which object, and what to do; <code>errors</code> has one entry for each wrong field, with a JSON pointer into
the body, <code>?name</code> for the query or <code>Name:</code> for a header. Unknown fields are refused by name. What you may not see is
answered exactly like what does not exist.</p>`,
  },
  {
    id: 'lists',
    title: 'Lists',
    body: html`<p>Lists come in pages of <code>limit</code> (1–500, 50 by default). While <code>nextCursor</code> is not null, send it as
<code>cursor</code> with the same filters; the order stays when objects are added. A cursor of another list, of other filters
or of an earlier API revision is refused. <code>ids</code> asks for up to 200 objects by id in one call.
<code>approximateCount</code> is exact up to 1,000, then rounded down to full thousands; 10,000 stands for as many or more, and
null for lists that nobody counts.</p>`,
  },
  {
    id: 'idempotency',
    title: 'Repeating a request',
    body: html`<p>Send <code>Idempotency-Key</code> with a write, a new UUID for each. Repeated with the same key within 24 hours, the write
happens once, and the first answer comes again with <code>Idempotency-Replayed: true</code>. Another request under the same
key is answered 422; while the first is being worked on, 409 with <code>Retry-After</code>. A secret is shown once: the
repetition has <code>secretShown: true</code> in its place.</p>`,
  },
  {
    id: 'versions',
    title: 'Versions',
    body: html`<p>A single object comes with an <code>ETag</code>. Send it as <code>If-Match</code> with a change or a deletion: if somebody has
changed the object since, nothing happens, and the answer is 412. Sent as <code>If-None-Match</code> with a read, an
unchanged object is answered 304 without a body.</p>`,
  },
  {
    id: 'dry-runs',
    title: 'Dry runs',
    body: html`<p>What could take stacks their integration answers 409 with the list of them. <code>dryRun=true</code> answers what would
happen and changes nothing; <code>force=true</code> does it.</p>`,
  },
]
