// Options that verbs share, and what they mean.
import { userInfo } from 'node:os'
import { Option, type Command } from 'commander'
import { controlSocket, defaultFolders, defaultSiteFile, type Folders } from '../control/files.ts'
import { Client } from './client.ts'

export interface FolderOptions {
  readonly runtimeDirectory: string
  readonly stateDirectory: string
}

export interface FileOptions extends FolderOptions {
  readonly config: string
}

export function withFolders(command: Command): Command {
  return command
    .addOption(new Option('--runtime-directory <path>', 'folder of the control socket').default(defaultFolders.runtime))
    .addOption(new Option('--state-directory <path>', 'folder of what is kept').default(defaultFolders.state))
}

export function withFile(command: Command): Command {
  return withFolders(command).addOption(new Option('-c, --config <file>', 'the site').default(defaultSiteFile))
}

export function foldersOf({ runtimeDirectory, stateDirectory }: FolderOptions): Folders {
  return { runtime: runtimeDirectory, state: stateDirectory }
}

export function clientOf(options: FolderOptions): Client {
  return new Client(controlSocket(foldersOf(options)))
}

/** Who gives an order: the user behind sudo, or the user of the process. */
export function whoAmI(): string {
  return process.env['SUDO_USER'] ?? userInfo().username
}
