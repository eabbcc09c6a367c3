import { X509Certificate } from 'node:crypto'
import { invalidField } from './invalid-field.ts'

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g
const mostCertificates = 50

/** Refuses what TLS would pass over in silence: no certificate, a broken one, or a key that strayed in (S38). */
export function checkCertificates(pem: string | null): void {
  if (pem === null) return
  const blocks = [...pem.matchAll(block)]
  if (blocks.some(([, label]) => label?.includes('PRIVATE KEY'))) {
    throw invalidField('/caCertPem', 'holds a private key; send certificates alone, and replace that key')
  }
  if (blocks.length === 0 || blocks.some(([, label]) => label !== 'CERTIFICATE')) {
    throw invalidField('/caCertPem', 'expected certificates in PEM, each from BEGIN CERTIFICATE to END CERTIFICATE')
  }
  if (blocks.length > mostCertificates) {
    throw invalidField('/caCertPem', `expected at most ${mostCertificates} certificates`)
  }
  for (const [index, [text]] of blocks.entries()) {
    if (!isCertificate(text)) throw invalidField('/caCertPem', `certificate ${index + 1} cannot be read`)
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.byteLength > 0
  } catch {
    return false
  }
}
