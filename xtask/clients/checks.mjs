// Counts what a client sees against what was promised. Used by the scripts for Node.js.

import assert from "node:assert/strict";

export class Checks {
  #passed = 0;
  #failed = 0;

  equal(what, got, wanted) {
    try {
      assert.deepEqual(got, wanted);
      this.#passed += 1;
      console.log(`ok    ${what}`);
    } catch {
      this.#failed += 1;
      console.log(`FAIL  ${what}: got ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`);
    }
  }

  /** Prints the result and ends the process. */
  finish(client) {
    console.log(`${client}: ${this.#passed} passed, ${this.#failed} failed\n`);
    process.exit(this.#failed === 0 ? 0 : 1);
  }
}
