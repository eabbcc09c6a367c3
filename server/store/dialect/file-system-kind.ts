import { statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { kindOfUrl } from './kind.ts'
import { sqliteFile } from './sqlite-connection.ts'

/** Magic numbers of statfs(2), of those whose locks and flushes SQLite cannot rely on. */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
])

/** The network file system under a SQLite database; undefined where there is none, as far as is known (F7). */
export function findNetworkFileSystem(url: string): string | undefined {
  return kindOfUrl(url) === 'sqlite' ? networkFileSystemOf(sqliteFile(url)) : undefined
}

/** The name of the network file system that a file lies on; undefined where it lies on none that is known. */
export function networkFileSystemOf(file: string): string | undefined {
  try {
    return networkFileSystems.get(statfsSync(dirname(resolve(file))).type >>> 0)
  } catch {
    return undefined
  }
}
