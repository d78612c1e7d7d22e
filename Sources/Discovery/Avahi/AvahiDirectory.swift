#if canImport(CAvahi)
    import CAvahi
    import Dispatch
    package import Logging
    import Synchronization

    /// The directory of Linux: avahi-daemon, reached through libavahi-client over the system bus.
    ///
    /// One thread of Avahi's owns all; other threads leave what they want in `inbox` and ring. The daemon and the bus may
    /// be missing or go at any time: a client that has failed is freed, and a new one made.
    ///
    /// `@unchecked`: all but `inbox` and the constants belongs to the loop's thread.
    package final class AvahiDirectory: ServiceDirectory, @unchecked Sendable {
        private struct Inbox {
            /// The outer nil: no change.
            var wanted: AdvertisedService??
            var begun: [Int: (type: String, feed: DirectoryFeed)] = [:]
            var ended: [Int] = []
            var closing: DispatchSemaphore?
            var isClosed = false
            var count = 0
        }

        private let inbox = Mutex(Inbox())
        private let log: Logger
        private var loop: AvahiLoop?

        // Of the loop's thread.
        private var client: OpaquePointer?
        private var connection = DaemonConnection(
            absent: (
                "avahi-daemon is not running, so nothing can be found on the network or advertised on it",
                "sudo apt install avahi-daemon && sudo systemctl enable --now avahi-daemon"
            ),
            noBus: (
                "no system bus answers, so avahi-daemon cannot be reached",
                "sudo apt install dbus avahi-daemon && sudo systemctl enable --now dbus avahi-daemon"
            ))
        private var notes: [DaemonConnection.Event] = []
        private var browses: [Int: AvahiBrowse] = [:]
        private var publication: AvahiPublication?
        private var registered: String?
        private var isNoted = false
        private var interfacesReadAt: Duration?
        private var interfacesDue: Duration?
        private var isQuitting = false

        /// - Parameter log: told once of each kind of trouble.
        package init(log: Logger) {
            self.log = log
            loop = nil
            guard
                let loop = AvahiLoop(onWake: { [unowned self] in
                    // A loop that runs keeps its directory: `close` ends the one and then lets go of the other.
                    wake()
                })
            else {
                log.error("no descriptors or memory left for a thread that speaks with avahi-daemon")
                return
            }
            self.loop = loop
            publication = AvahiPublication(noted: { [unowned self] in note() })
            let kept = Unmanaged.passRetained(self)
            guard loop.start() else {
                kept.release()
                self.loop = nil
                loop.free()
                log.error("no thread can be had that speaks with avahi-daemon")
                return
            }
            loop.ring()
        }

        package func advertise(_ service: AdvertisedService?) {
            inbox.withLock { $0.wanted = .some(service) }
            loop?.ring()
        }

        package func browse(_ type: String) -> AsyncStream<DirectoryEvent> {
            let feed = DirectoryFeed()
            let number = inbox.withLock { inbox -> Int? in
                guard !inbox.isClosed, loop != nil else { return nil }
                inbox.count += 1
                inbox.begun[inbox.count] = (type, feed)
                return inbox.count
            }
            guard let number else {
                feed.end()
                return feed.stream(onEnd: {})
            }
            loop?.ring()
            return feed.stream(onEnd: { [weak self] in
                self?.inbox.withLock { $0.ended.append(number) }
                self?.loop?.ring()
            })
        }

        package func close() {
            let done = DispatchSemaphore(value: 0)
            let isFirst = inbox.withLock { inbox in
                defer {
                    inbox.isClosed = true
                    inbox.closing = done
                }
                return !inbox.isClosed
            }
            guard isFirst, let loop else { return }
            loop.ring()
            // A daemon that hangs keeps the thread in a call; then it stays behind.
            guard done.wait(timeout: .now() + .seconds(2)) == .success else { return }
            loop.free()
            Unmanaged.passUnretained(self).release()
        }

        // MARK: On the loop's thread

        /// Callbacks of Avahi only note what they were told; the loop comes back for it at once.
        private func note() {
            guard !isNoted else { return }
            isNoted = true
            loop?.ring()
        }

        private func wake() {
            guard !isQuitting else { return }
            isNoted = false
            let now = AvahiLoop.now
            takeOrders(at: now)
            guard !isQuitting else { return }
            while !notes.isEmpty { perform(connection.apply(notes.removeFirst(), at: now), at: now) }
            perform(connection.tick(at: now), at: now)
            readInterfaces(at: now)
            if let outcome = publication?.perform(at: now) {
                for refusal in outcome.refusals {
                    log.warning("avahi-daemon does not take this host's service", metadata: ["reason": "\(refusal)"])
                }
                for name in outcome.registered { tell(.registered(name: name)) }
            }
            for browse in browses.values { browse.perform(at: now).forEach { warn($0, of: browse) } }
            let deadlines =
                browses.values.map(\.nextDeadline) + [
                    connection.nextDeadline, publication?.nextDeadline, interfacesDue,
                ]
            loop?.wake(at: deadlines.compactMap { $0 }.min())
        }

        private func takeOrders(at now: Duration) {
            let orders = inbox.withLock { inbox in
                defer {
                    inbox.wanted = nil
                    inbox.begun = [:]
                    inbox.ended = []
                }
                return inbox
            }
            if let wanted = orders.wanted { publication?.apply(.wanted(wanted)) }
            for (number, order) in orders.begun {
                let browse = AvahiBrowse(type: order.type, feed: order.feed, noted: { [unowned self] in note() })
                browse.set(SystemInterfaces.current())
                browses[number] = browse
                if let state = connection.state { order.feed.put(state) }
                if let registered { order.feed.put(.registered(name: registered)) }
                if let client, connection.state == .available { browse.connect(client, at: now) }
            }
            for number in orders.ended {
                let browse = browses.removeValue(forKey: number)
                browse?.disconnect(at: now)
                browse?.feed.end()
            }
            if let closing = orders.closing {
                isQuitting = true
                dropClient(at: now)
                for browse in browses.values { browse.feed.end() }
                browses = [:]
                loop?.quit()
                closing.signal()
            }
        }

        private func perform(_ actions: [DaemonConnection.Action], at now: Duration) {
            for action in actions {
                switch action {
                case .close: dropClient(at: now)
                case .open: openClient()
                case .tell(let event):
                    tell(event)
                    guard event == .available, let client else { continue }
                    for browse in browses.values { browse.connect(client, at: now) }
                }
            }
        }

        private func tell(_ event: DirectoryEvent) {
            if case .registered(let name) = event { registered = name }
            for browse in browses.values { browse.feed.put(event) }
        }

        private func openClient() {
            var code: Int32 = 0
            // The first callback comes before this returns.
            client = avahi_client_new(
                loop?.api, AVAHI_CLIENT_NO_FAIL,
                { client, state, me in
                    guard let me, let client else { return }
                    Unmanaged<AvahiDirectory>.fromOpaque(me).takeUnretainedValue().client(client, became: state)
                }, Unmanaged.passUnretained(self).toOpaque(), &code)
            guard client == nil else { return }
            // With AVAHI_CLIENT_NO_FAIL a missing daemon is no failure: these say that there is no bus. Whatever was noted
            // belonged to the client that is none.
            let noBus = [AVAHI_ERR_DBUS_ERROR, AVAHI_ERR_DISCONNECTED, AVAHI_ERR_NO_DAEMON]
            let isNoBus = noBus.contains { code == Int32($0) }
            notes = [.failed(isNoBus ? .noBus : .other("avahi-daemon: \(String(cString: avahi_strerror(code)))"))]
            note()
        }

        private func dropClient(at now: Duration) {
            publication?.disconnect()
            for browse in browses.values { browse.disconnect(at: now) }
            registered = nil
            if let client { avahi_client_free(client) }
            client = nil
            notes = []
        }

        private func client(_ client: OpaquePointer, became state: AvahiClientState) {
            self.client = client
            switch state {
            case AVAHI_CLIENT_S_RUNNING:
                notes.append(.answers)
                publication?.connect(client)
            case AVAHI_CLIENT_S_REGISTERING, AVAHI_CLIENT_S_COLLISION:
                notes.append(.answers)
                publication?.apply(.notReady)
            case AVAHI_CLIENT_CONNECTING: notes.append(.waits)
            case AVAHI_CLIENT_FAILURE:
                let code = avahi_client_errno(client)
                notes.append(
                    .failed(
                        code == Int32(AVAHI_ERR_DISCONNECTED)
                            ? .daemonGone : .other("avahi-daemon: \(String(cString: avahi_strerror(code)))")))
            default: break
            }
            note()
        }

        /// At most once a second: an interface that came or went shows in what Avahi says at the same time.
        private func readInterfaces(at now: Duration) {
            guard !browses.isEmpty else { return }
            if let next = interfacesReadAt.map({ $0 + .seconds(1) }), now < next {
                interfacesDue = next
                return
            }
            interfacesDue = nil
            interfacesReadAt = now
            let interfaces = SystemInterfaces.current()
            for browse in browses.values { browse.set(interfaces) }
        }

        private func warn(_ warning: ServiceView.Warning, of browse: AvahiBrowse) {
            log.warning("\(warning.sentence)", metadata: ["type": "\(browse.type)"])
        }
    }
#endif
