/** Loaded before a program (`node --import`): its clock is off by FLEET_TEST_CLOCK_MS milliseconds, from the beginning. */
const offset = Number(process.env.FLEET_TEST_CLOCK_MS ?? 0);
const TrueDate = globalThis.Date;

globalThis.Date = class Date extends TrueDate {
  constructor(...args) {
    if (args.length === 0) super(TrueDate.now() + offset);
    else super(...args);
  }

  static now() {
    return TrueDate.now() + offset;
  }
};
