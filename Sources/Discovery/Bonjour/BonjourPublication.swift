import CDNSSD
import Dispatch

/// This host's service in dns_sd: one registration, which names the subtypes with the type.
///
/// Belongs to the directory's queue. Callbacks only note; ``perform(at:)`` acts.
final class BonjourPublication {
    private var decisions = Publication()
    private var pending: [Publication.Event] = []
    private var registration: BonjourOperation?
    private var registered: AdvertisedService?
    private let queue: DispatchQueue
    private let noted: () -> Void

    init(queue: DispatchQueue, noted: @escaping () -> Void) {
        self.queue = queue
        self.noted = noted
    }

    var nextDeadline: Duration? { decisions.nextDeadline }

    func apply(_ event: Publication.Event) {
        pending.append(event)
        noted()
    }

    func disconnect(at now: Duration) {
        registration = nil
        registered = nil
        pending = []
        _ = decisions.apply(.disconnected, at: now)
    }

    /// - Returns: the names under which the service has got onto the network; codes with which it was refused.
    func perform(at now: Duration) -> (names: [String], refusals: [DNSServiceErrorType]) {
        var names: [String] = []
        var refusals: [DNSServiceErrorType] = []
        var actions = decisions.tick(at: now)
        while !actions.isEmpty || !pending.isEmpty {
            if actions.isEmpty { actions = decisions.apply(pending.removeFirst(), at: now) }
            guard !actions.isEmpty else { continue }
            let action = actions.removeFirst()
            if case .registered(let name) = action { names.append(name) }
            let code = perform(action)
            guard code != 0 else { continue }
            actions = []
            refusals.append(code)
            pending.insert(.failed, at: 0)
        }
        return (names, refusals)
    }

    private func perform(_ action: Publication.Action) -> DNSServiceErrorType {
        switch action {
        case .registered: return 0
        case .withdraw:
            registration = nil
            registered = nil
            return 0
        case .publish(let service): return register(service)
        case .updateText(let service):
            registered?.text = service.text
            return registration?.replaceText(service.text) ?? 0
        case .addSubtype(_, let service), .removeSubtype(_, let service):
            // Only a new registration changes the subtypes.
            return registered?.subtypes == service.subtypes ? 0 : register(service)
        }
    }

    private func register(_ service: AdvertisedService) -> DNSServiceErrorType {
        registration = nil
        let text = RecordData.bytes(ofText: service.text)
        var reference: DNSServiceRef?
        let code = DNSServiceRegister(
            &reference, 0, 0, service.name, ([service.type] + service.subtypes).joined(separator: ","), nil, nil,
            UInt16(clamping: service.port).bigEndian, UInt16(clamping: text.count), text,
            { _, _, code, name, _, _, me in
                guard let me else { return }
                Unmanaged<BonjourPublication>.fromOpaque(me).takeUnretainedValue()
                    .answered(code, name: name.map { String(cString: $0) })
            }, Unmanaged.passUnretained(self).toOpaque())
        guard code == 0, let reference else { return code == 0 ? -1 : code }
        registered = service
        registration = BonjourOperation(
            reference, on: queue, keeping: self, onFailure: { [unowned self] in apply(.failed) })
        return 0
    }

    private func answered(_ code: DNSServiceErrorType, name: String?) {
        guard code == 0, let name else { return apply(.failed) }
        apply(name == registered?.name ? .established : .renamed(name))
    }
}
