/// Why a file could not be fetched: one line of what is wrong, one of what to do.
package enum DownloadFailure: Error, Equatable, CustomStringConvertible {
    /// - Parameter kept: bytes that a later attempt goes on from.
    case network(url: String, CurlFailure, kept: Int64)
    case status(url: String, Int)
    case checksum(url: String, expected: String, found: String)
    case disk(path: String, reason: String)
    /// Another process is at it.
    case busy(String)
    case stopped(part: String, kept: Int64)

    package var description: String { "\(problem)\n  \(advice)" }

    private var problem: String {
        switch self {
        case .network(let url, let failure, let kept):
            "cannot fetch \(url): \(failure.reason)" + (kept > 0 ? " (\(ByteCount.text(kept)) kept)" : "")
        case .status(let url, let status): "\(url) answers with status \(status)"
        case .checksum(let url, let expected, let found):
            "\(url) has the wrong checksum: \(found) where \(expected) is published; it was deleted"
        case .disk(let path, let reason): "cannot write \(path): \(reason)"
        case .busy(let target): "another llmstack is fetching \(target)"
        case .stopped(let part, let kept):
            kept > 0 ? "stopped; \(ByteCount.text(kept)) are kept in \(part)" : "stopped; nothing of it can be kept"
        }
    }

    private var advice: String {
        switch self {
        case .network(_, let failure, _): failure.advice
        case .status(_, 401), .status(_, 403): "fix: see whether a proxy or a rate limit is in the way, and try later"
        case .status(_, 404), .status(_, 410): "fix: check that this version exists for this system"
        case .status: "next: run it again later"
        case .checksum: "next: run it again; if it stays wrong, do not use that file and tell its publisher"
        case .disk: "fix: check the directory's permissions and the free space"
        case .busy: "next: wait for that to end"
        case .stopped: "next: run it again to go on"
        }
    }
}
