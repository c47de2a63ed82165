/** A fault could not be done, for a reason that says nothing about the servers: a deadlock with them, a package missing. */
export class NotDone extends Error {
  override readonly name = 'NotDone';
}

/** A fault could not be taken back: what the servers do from now on says nothing about them, so there is no verdict. */
export class NotHealed extends Error {
  override readonly name = 'NotHealed';
}
