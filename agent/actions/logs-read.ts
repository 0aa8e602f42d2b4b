/** Reads a log of this node. What may be read, and by what, is in agent/logs/. */
import { logsRead } from '../../shared/actions/logs-read.ts';
import { readLog } from '../logs/read-log.ts';
import { settle } from '../process/program-outcome.ts';
import { implement, type RunnableAction } from './action.ts';

/** @param logFolders whose files may be read */
export function logsReadAction({ logFolders }: { readonly logFolders: readonly string[] }): RunnableAction {
  return implement(logsRead, (query, context) => settle(() => readLog(query, logFolders, context)));
}
