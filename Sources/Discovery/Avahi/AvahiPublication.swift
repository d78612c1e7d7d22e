#if canImport(CAvahi)
    import CAvahi

    /// This host's service in Avahi: an entry group for the service and one for each subtype, so that a change of one
    /// leaves the others on the network.
    ///
    /// Belongs to the loop's thread. Callbacks only note; ``perform(at:)`` acts.
    final class AvahiPublication {
        private var decisions = Publication()
        private var actions: [Publication.Action] = []
        private var client: OpaquePointer?
        private var group: OpaquePointer?
        private var subtypes: [String: OpaquePointer] = [:]
        private var pending: [Publication.Event] = []
        private let noted: () -> Void

        init(noted: @escaping () -> Void) { self.noted = noted }

        var nextDeadline: Duration? { decisions.nextDeadline }

        func apply(_ event: Publication.Event) {
            pending.append(event)
            noted()
        }

        func connect(_ client: OpaquePointer) {
            self.client = client
            apply(.ready)
        }

        /// The client is about to be freed.
        func disconnect() {
            for group in subtypes.values { avahi_entry_group_free(group) }
            subtypes = [:]
            if let group { avahi_entry_group_free(group) }
            group = nil
            client = nil
            pending = []
            actions = decisions.apply(.disconnected, at: AvahiLoop.now)
        }

        /// - Returns: the names under which the service has got onto the network; reasons why it has not.
        func perform(at now: Duration) -> (registered: [String], refusals: [String]) {
            var registered: [String] = []
            var refusals: [String] = []
            var isTicked = false
            while true {
                if actions.isEmpty, !pending.isEmpty { actions = decisions.apply(pending.removeFirst(), at: now) }
                if actions.isEmpty, !isTicked {
                    isTicked = true
                    actions = decisions.tick(at: now)
                }
                if actions.isEmpty {
                    if pending.isEmpty { return (registered, refusals) }
                    continue
                }
                let action = actions.removeFirst()
                if case .registered(let name) = action { registered.append(name) }
                let code = perform(action)
                guard code < 0 else { continue }
                // What was to follow belongs to the attempt that has failed.
                actions = []
                if code == Int32(AVAHI_ERR_COLLISION) {
                    pending.insert(.collided, at: 0)
                } else {
                    refusals.append(String(cString: avahi_strerror(code)))
                    pending.insert(.failed, at: 0)
                }
            }
        }

        /// - Returns: 0, or Avahi's negative code.
        private func perform(_ action: Publication.Action) -> Int32 {
            guard let client else { return 0 }
            switch action {
            case .registered: return 0
            case .withdraw:
                for group in subtypes.values { avahi_entry_group_free(group) }
                subtypes = [:]
                return group.map { avahi_entry_group_reset($0) } ?? 0
            case .publish(let service):
                if group == nil {
                    group = avahi_entry_group_new(
                        client,
                        { _, state, me in
                            guard let me else { return }
                            Unmanaged<AvahiPublication>.fromOpaque(me).takeUnretainedValue().changed(to: state)
                        }, Unmanaged.passUnretained(self).toOpaque())
                }
                guard let group else { return avahi_client_errno(client) }
                let code = withText(service.text) {
                    avahi_entry_group_add_service_strlst(
                        group, -1, -1, noFlags, service.name, service.type, nil, nil, UInt16(clamping: service.port), $0
                    )
                }
                return code < 0 ? code : avahi_entry_group_commit(group)
            case .updateText(let service):
                guard let group else { return 0 }
                return withText(service.text) {
                    avahi_entry_group_update_service_txt_strlst(
                        group, -1, -1, noFlags, service.name, service.type, nil, $0)
                }
            case .addSubtype(let subtype, let service):
                guard let group = avahi_entry_group_new(client, { _, _, _ in }, nil) else {
                    return avahi_client_errno(client)
                }
                subtypes[subtype] = group
                let code = avahi_entry_group_add_service_subtype(
                    group, -1, -1, noFlags, service.name, service.type, nil, "\(subtype)._sub.\(service.type)")
                return code < 0 ? code : avahi_entry_group_commit(group)
            case .removeSubtype(let subtype, _):
                return subtypes.removeValue(forKey: subtype).map { avahi_entry_group_free($0) } ?? 0
            }
        }

        private var noFlags: AvahiPublishFlags { AvahiPublishFlags(rawValue: 0) }

        private func changed(to state: AvahiEntryGroupState) {
            switch state {
            case AVAHI_ENTRY_GROUP_ESTABLISHED: apply(.established)
            case AVAHI_ENTRY_GROUP_COLLISION: apply(.collided)
            case AVAHI_ENTRY_GROUP_FAILURE: apply(.failed)
            default: break
            }
        }

        private func withText<Result>(
            _ entries: [String], _ body: (UnsafeMutablePointer<AvahiStringList>?) -> Result
        ) -> Result {
            var list: UnsafeMutablePointer<AvahiStringList>?
            // Avahi keeps its lists backwards: what is added last is the last of the record.
            for entry in entries where entry.utf8.count <= 255 {
                let bytes = Array(entry.utf8)
                list = avahi_string_list_add_arbitrary(list, bytes, bytes.count)
            }
            defer { avahi_string_list_free(list) }
            return body(list)
        }
    }
#endif
