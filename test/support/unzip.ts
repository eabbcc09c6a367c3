import { inflateRawSync } from 'node:zlib'

/** The files of a zip archive, by name; enough for what Terraform writes (no encryption, no zip64). */
export function unzip(archive: Buffer): Record<string, Buffer> {
  const end = archive.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  if (end === -1) throw new Error('This is no zip archive.')
  const files: Record<string, Buffer> = {}
  let entry = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const method = archive.readUInt16LE(entry + 10)
    const size = archive.readUInt32LE(entry + 20)
    const nameLength = archive.readUInt16LE(entry + 28)
    const local = archive.readUInt32LE(entry + 42)
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const content = archive.subarray(from, from + size)
    const name = archive.toString('utf8', entry + 46, entry + 46 + nameLength)
    files[name] = method === 0 ? content : inflateRawSync(content)
    entry += 46 + nameLength + archive.readUInt16LE(entry + 30) + archive.readUInt16LE(entry + 32)
  }
  return files
}
