import EventModel

/// Changes of what is sealed already, made while nothing is sealed.
extension Archive {
    /// Runs `body` between seals. Throws ``SealError/stopped`` when sealing has not begun or is being ended.
    package func exclusively<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        guard let sealer else { throw SealError.stopped }
        return try await sealer.perform(body)
    }

    /// Erases a person, or only looks (`isDry`). Refused where a legal hold covers a day with traces; what is done stays
    /// done when a later day fails, and asking again goes on.
    package func erase(
        _ request: ErasureRequest, isDry: Bool, hold: @escaping @Sendable (_ tenant: String, _ day: Int64) -> LegalHold?
    ) async throws -> ErasureReport {
        let stops: @Sendable () -> Bool = { [weak self] in self?.sealer?.stops ?? true }
        return try await exclusively { [self] in
            // What is fresh has no day yet.
            try store.packAll()
            guard let number = tenantNumber(request.tenant) else {
                // Of such a tenant there may be dead letters.
                var report = ErasureReport()
                report.person = request.person
                return report
            }
            let erasure = Erasure(archive: self, request: request, number: number, now: configuration.now(), stops: stops)
            return try erasure.run(isDry: isDry) { hold(request.tenant, $0) }
        }
    }

    /// The erasure of a person is over in all places. Until this is called, what ``erase(_:isDry:hold:)`` learned is kept, so
    /// that erasing again finds what is left.
    package func forget(_ person: Person, of tenant: String) throws {
        try UnfinishedErasures(folder: folder, tenant: tenant).forget(person)
    }

    /// The number of a tenant that has events in the store or the archive.
    private func tenantNumber(_ name: String) -> UInt32? {
        let stored = store.heldDays.lazy.flatMap(\.tenants).first { $0.name == name }?.number
        return stored ?? (try? catalogue.chains())?.first { $0.name == name }?.number
    }

    /// Days' events were pruned: nothing is answered from what was read of them before, and they go from object storage.
    package func pruned(_ tenant: TenantChain, days: [Int64], record: String) throws {
        for day in days {
            changed(tenant: tenant.number, day: day)
            try mirrorPruning(tenant: tenant.name, day: day)
        }
        try mirror(record: record, tenant: tenant.name)
    }

    /// From now on `retention` runs between seals.
    package func keep(_ retention: Retention) { retentionSlot.withLock { $0 = retention } }

    /// Sealed days that no tenant's plan keeps in the store any longer. A day goes as a whole: the longest plan of those who
    /// received something that day counts, and deduplication needs each for its window.
    func daysToLetGo(sealed: Int64, today: Int64) -> [Int64] {
        let standard = Int(configuration.keep.components.seconds / 86_400)
        let retention = retentionSlot.withLock { $0 }
        let window = store.identityWindowDays
        guard store.heldDayNumbers.contains(where: { $0 <= sealed && $0 < today - window }) else { return [] }
        return store.heldDays.filter { held in
            guard held.day <= sealed, held.day < today - window else { return false }
            let recent = held.tenants.map { retention?.recentDays(of: $0.name) ?? standard }.max() ?? standard
            return held.day < today - Int64(recent)
        }.map(\.day)
    }

    /// On the sealer's thread, each hour and whenever a day was sealed.
    func prune(stops: () -> Bool) {
        guard let retention = retentionSlot.withLock({ $0 }) else { return }
        let now = configuration.now()
        retention.runHourly(today: now.dayNumber, now: now, sealedDay: catalogue.sealedDay, stops: stops)
    }

    /// A day's file is another one now: nothing is answered from what was read of it before.
    func changed(tenant: UInt32, day: Int64) {
        older.forget(tenant: tenant, day: day)
        provers.forget(day: day)
        store.forgetInflated()
    }
}
