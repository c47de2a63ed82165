/**
 * A fault could not be done, for a reason that says nothing about the servers, such as a deadlock with them or a
 * missing package.
 */
export class NotDone extends Error {
  override readonly name = 'NotDone';
}

/** A fault could not be taken back. What the servers do from now on says nothing about them, so there is no verdict. */
export class NotHealed extends Error {
  override readonly name = 'NotHealed';
}
