/** Cancels a job that is waited for, when its person says so; and sees to it that the cancel is out, whoever stops waiting. */

/**
 * @param cancel calls back when its messages are on their way
 * @returns ends it: resolves when the cancel is on its way, where there is one
 */
export function cancelWhenTold(
  told: AbortSignal | undefined,
  cancel: (onSent: () => void) => Promise<unknown>,
  onProblem: (line: string) => void,
): () => Promise<void> {
  let sent = Promise.resolve();
  const begin = (): void => {
    sent = new Promise((resolve) => {
      const fail = (error: unknown): void =>
        onProblem(`it could not be cancelled: ${error instanceof Error ? error.message : String(error)}`);
      void cancel(resolve).catch(fail).finally(resolve);
    });
  };
  told?.addEventListener('abort', begin, { once: true });
  return () => {
    told?.removeEventListener('abort', begin);
    return sent;
  };
}
