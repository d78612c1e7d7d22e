import CDNSSD
import Dispatch

/// One browsed type on dns_sd: a browse operation, and a record query for each open question.
///
/// Belongs to the directory's queue. Callbacks only note; ``perform(at:)`` acts.
final class BonjourBrowse {
    /// What a query's callback gets to know.
    private final class Asked {
        unowned let browse: BonjourBrowse
        let query: RecordQuery

        init(_ browse: BonjourBrowse, _ query: RecordQuery) {
            self.browse = browse
            self.query = query
        }
    }

    let type: String
    let feed: DirectoryFeed
    private(set) var view: ServiceView
    private let queue: DispatchQueue
    private var browsing: BonjourOperation?
    private var asked: [RecordQuery: BonjourOperation] = [:]
    private var allForNowAt: Duration?
    private let noted: () -> Void
    /// The daemon has ended the browsing.
    private let failed: () -> Void

    /// Each query is a connection to the daemon, of which a process of macOS may have 256 in all.
    private static var limits: ServiceView.Limits {
        var limits = ServiceView.Limits()
        limits.schedule.lookups = 8
        limits.schedule.active = 32
        return limits
    }

    init(
        type: String, feed: DirectoryFeed, queue: DispatchQueue, noted: @escaping () -> Void,
        failed: @escaping () -> Void
    ) {
        self.type = type
        self.feed = feed
        self.queue = queue
        self.noted = noted
        self.failed = failed
        view = ServiceView(limits: Self.limits)
    }

    var nextDeadline: Duration? { [view.nextDeadline, allForNowAt].compactMap { $0 }.min() }

    func set(_ interfaces: [HostInterface]) { view.order = AddressOrder(interfaces) }

    func disconnect(at now: Duration) {
        browsing = nil
        asked = [:]
        allForNowAt = nil
        view.disconnected(at: now)
    }

    /// - Returns: dns_sd's code; 0: browsing has begun.
    func begin(at now: Duration) -> DNSServiceErrorType {
        var reference: DNSServiceRef?
        let code = DNSServiceBrowse(
            &reference, 0, 0, type, nil,
            { _, flags, interface, code, name, type, domain, me in
                guard let me else { return }
                Unmanaged<BonjourBrowse>.fromOpaque(me).takeUnretainedValue()
                    .saw(code, flags, name: name, type: type, domain: domain, on: Link(interface: Int(interface)))
            }, Unmanaged.passUnretained(self).toOpaque())
        guard code == 0, let reference else { return code == 0 ? -1 : code }
        browsing = BonjourOperation(reference, on: queue, keeping: self, onFailure: failed)
        // dns_sd does not say when it has told all that it knows: its cache answers at once, hosts within a second.
        allForNowAt = now + .seconds(1)
        return 0
    }

    /// - Returns: what is to be said in the log.
    func perform(at now: Duration) -> [ServiceView.Warning] {
        if let at = allForNowAt, at <= now {
            allForNowAt = nil
            view.allForNow(at: now)
        }
        var warnings: [ServiceView.Warning] = []
        for action in view.tick(at: now) {
            switch action {
            case .start(let query): ask(query, at: now)
            case .stop(let query): asked[query] = nil
            case .event(let event): feed.put(event)
            case .browseAgain:
                browsing = nil
                if begin(at: now) != 0 { failed() }
            case .warn(let warning): warnings.append(warning)
            }
        }
        return warnings
    }

    private func saw(
        _ code: DNSServiceErrorType, _ flags: DNSServiceFlags, name: UnsafePointer<CChar>?,
        type: UnsafePointer<CChar>?, domain: UnsafePointer<CChar>?, on link: Link
    ) {
        let now = BonjourDirectory.now
        guard code == 0, let name, let type, let domain else { return failed() }
        // The type comes with a dot at its end from some, without from others.
        let kind = ServiceName.trimmed(String(cString: type))
        if flags & BonjourDirectory.add != 0 {
            view.appeared(String(cString: name), type: kind, domain: String(cString: domain), on: link, at: now)
        } else {
            view.disappeared(String(cString: name), type: kind, domain: String(cString: domain), on: link, at: now)
        }
        noted()
    }

    private func ask(_ query: RecordQuery, at now: Duration) {
        let context = Asked(self, query)
        var reference: DNSServiceRef?
        // 1: the class IN of RFC 1035.
        let code = DNSServiceQueryRecord(
            &reference, 0, 0, query.name, query.kind.rawValue, 1,
            { _, flags, interface, code, _, _, _, count, bytes, _, me in
                guard let me else { return }
                let asked = Unmanaged<Asked>.fromOpaque(me).takeUnretainedValue()
                let data = bytes.map { Array(UnsafeRawBufferPointer(start: $0, count: Int(count))) } ?? []
                asked.browse.answered(asked.query, code, flags, data, on: Link(interface: Int(interface)))
            }, Unmanaged.passUnretained(context).toOpaque())
        guard code == 0, let reference else { return view.failed(query, at: now) }
        asked[query] = BonjourOperation(
            reference, on: queue, keeping: context,
            onFailure: { [unowned self] in
                view.failed(query, at: BonjourDirectory.now)
                noted()
            })
    }

    private func answered(
        _ query: RecordQuery, _ code: DNSServiceErrorType, _ flags: DNSServiceFlags, _ bytes: [UInt8], on link: Link
    ) {
        let now = BonjourDirectory.now
        if code == 0 {
            view.answered(query, bytes, isPresent: flags & BonjourDirectory.add != 0, on: link, at: now)
        } else {
            view.failed(query, at: now)
        }
        noted()
    }
}
