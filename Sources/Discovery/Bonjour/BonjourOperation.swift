import CDNSSD
import Dispatch

/// One open operation of dns_sd: its answers are taken on a queue as they arrive, until it is cancelled.
///
/// Belongs to that queue.
final class BonjourOperation {
    private let reference: DNSServiceRef
    private let source: any DispatchSourceRead

    /// - Parameters:
    ///   - context: what the callback was given; kept for as long as it can be called.
    ///   - onFailure: the daemon has ended the operation; called on the queue.
    init(
        _ reference: DNSServiceRef, on queue: DispatchQueue, keeping context: AnyObject, onFailure: @escaping () -> Void
    ) {
        self.reference = reference
        nonisolated(unsafe) let reference = reference
        nonisolated(unsafe) let context = context
        nonisolated(unsafe) let onFailure = onFailure
        let source = DispatchSource.makeReadSource(fileDescriptor: DNSServiceRefSockFD(reference), queue: queue)
        self.source = source
        source.setEventHandler {
            guard DNSServiceProcessResult(reference) != 0 else { return }
            source.cancel()
            onFailure()
        }
        source.setCancelHandler {
            // Closes the descriptor: not before the queue has let go of it.
            DNSServiceRefDeallocate(reference)
            withExtendedLifetime(context) {}
        }
        source.resume()
    }

    deinit { source.cancel() }

    func replaceText(_ entries: [String]) -> DNSServiceErrorType {
        let bytes = RecordData.bytes(ofText: entries)
        return DNSServiceUpdateRecord(reference, nil, 0, UInt16(clamping: bytes.count), bytes, 0)
    }
}
