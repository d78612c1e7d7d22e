/// What a browsed directory tells.
package enum DirectoryEvent: Equatable, Sendable {
    /// The directory answers. What was found before it became unavailable is checked again by itself.
    case available
    /// The directory does not answer, and is tried again by itself. What was found stays as it was.
    case unavailable(reason: String, fix: String)
    /// New, or anything of it changed.
    case found(FoundService)
    case lost(FoundService.ID)
    /// Whatever could be found quickly has been; said once after each ``available``.
    case allForNow
    /// The advertised service is on the network, under this name.
    case registered(name: String)
}
