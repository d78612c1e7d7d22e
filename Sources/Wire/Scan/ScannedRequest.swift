package import Cluster

/// What a scan found in the body of a completion request. Ranges count bytes from the start of the body.
package struct ScannedRequest: Equatable, Sendable {
    package enum Model: Equatable, Sendable {
        /// Absent, null, empty or "auto": the ladder chooses.
        case auto
        /// Any other scalar; its text, quotes included, is at the last of ``ScannedRequest/modelRanges``.
        case concrete
        /// An object or an array.
        case invalid
    }

    package var model = Model.auto
    /// Every top-level `model` value, in order. The last one counts; upstreams that read the first must not see
    /// another.
    package var modelRanges: [Range<Int>] = []
    /// Where a member can be put in: just behind the opening brace.
    package var insertionPoint = 0
    package var isEmptyObject = true
    package var facts = RequestFacts()
    package var wantsStream = false
    /// `max_tokens` or `max_completion_tokens`: tokens that the reply may have; nil where it is not said.
    package var outputLimit: Int?
    /// Index of the first element of `messages` that is not an object.
    package var badMessage: Int?

    package init() {}
}

/// What a body is.
package enum ScanOutcome: Equatable, Sendable {
    /// No bytes at all.
    case empty
    /// Not JSON: it goes on as it is, and upstream says what is wrong.
    case notJSON
    /// JSON, but no object.
    case notObject
    /// Containers nested deeper than ``RequestScan/depthLimit``.
    case tooDeep
    case request(ScannedRequest)
}
