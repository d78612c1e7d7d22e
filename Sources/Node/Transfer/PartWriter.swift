import Foundation
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Puts one reply into a partial file, as its ``Resumption`` says.
final class PartWriter: Curl.Sink {
    struct State {
        var meaning: Resumption.Meaning?
        /// Bytes in the file.
        var count: Int64 = 0
        /// Bytes of the whole, where the server says.
        var total: Int64?
        /// Bytes that this reply brought.
        var received: Int64 = 0
        /// Why the file could not be written.
        var problem: String?
    }

    private let part: PartialFile
    private let resumption: Resumption
    private let descriptor: Int32
    private let report: @Sendable (_ count: Int64, _ total: Int64?) -> Void
    private let state: Mutex<State>

    /// - Parameter report: called whenever bytes arrive, on a thread of libcurl's.
    init?(
        _ part: PartialFile, _ resumption: Resumption,
        report: @escaping @Sendable (_ count: Int64, _ total: Int64?) -> Void
    ) {
        descriptor = open(part.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        self.part = part
        self.resumption = resumption
        self.report = report
        state = Mutex(State(count: resumption.offset))
        if descriptor < 0 { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    var result: State { state.withLock { $0 } }

    func take(_ head: Curl.Head) -> Bool {
        state.withLock { state in
            let meaning = resumption.meaning(of: head)
            state.meaning = meaning
            switch meaning {
            case .rest(let origin):
                state.total = origin.total
                return place(origin, at: resumption.offset, &state)
            case .whole(let origin, let total):
                state.count = 0
                state.total = total
                return place(origin, at: 0, &state)
            case .complete:
                return true
            case .startOver, .refused:
                return false
            }
        }
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            // The body of a 416 is a text for people.
            if state.meaning == .complete { return true }
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
                    write(descriptor, $0.baseAddress, $0.count)
                }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else {
                    state.problem = String(cString: strerror(errno))
                    return false
                }
                rest = rest.dropFirst(written)
            }
            state.count += Int64(bytes.count)
            state.received += Int64(bytes.count)
            report(state.count, state.total)
            return true
        }
    }

    /// The origin is noted before the first byte: bytes without one are of no use later.
    private func place(_ origin: PartialOrigin?, at offset: Int64, _ state: inout State) -> Bool {
        guard ftruncate(descriptor, off_t(offset)) == 0, lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
            state.problem = String(cString: strerror(errno))
            return false
        }
        do { try part.note(origin) } catch {
            state.problem = error.reason
            return false
        }
        return true
    }
}
