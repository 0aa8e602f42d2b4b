/** The agent ends, the program doesn't: there is no outcome yet, and the next agent will have it. Nothing is answered. */
export class StillRunning extends Error {
  override readonly name = 'StillRunning';

  constructor() {
    super('the program goes on without this agent');
  }
}
