import Foundation

/// What there is to verify at some paths: which tenants, which of their days, which proofs.
struct VerificationPlan {
    struct Tenant {
        var name: String
        var folder: String
        /// Folders of days, ascending by name.
        var days: [String] = []
        var isWhole: Bool
        var findings: [Finding] = []

        /// In the folder; a finding when it cannot be read.
        mutating func names() -> [String] {
            do { return try VerificationInput.names(folder) } catch {
                findings.append(error.finding(tenant: name))
                return []
            }
        }
    }

    private(set) var tenants: [Tenant] = []
    private(set) var proofs: [String] = []
    /// Folders with records that concern all tenants.
    private(set) var recordFolders: [String] = []
    /// Whether all tenants of an archive are meant to be here.
    private(set) var isArchive = false
    /// Entries of an archive that stand where a tenant should.
    private(set) var findings: [Finding] = []
    /// Bytes of all events files.
    private(set) var bytes = 0

    private static let dayFiles = [DayFolder.eventsName, DayFolder.checkpointName, Manifest.fileName]
    private static let proofSuffix = ".tlog-proof"

    /// Throws `VerificationIOError` for a path at which there is nothing to verify.
    init(_ paths: [String], isPartial: Bool) throws {
        for path in paths { try add(URL(fileURLWithPath: path).standardizedFileURL.path, isPartial: isPartial) }
        for tenant in tenants {
            for day in tenant.days {
                let file = day + "/" + DayFolder.eventsName
                bytes += (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
            }
        }
    }

    private mutating func add(_ path: String, isPartial: Bool) throws {
        guard VerificationInput.exists(path) else { throw VerificationIOError(path: path, reason: "there is no such file or folder") }
        guard VerificationInput.isFolder(path) else { return try add(file: path) }
        let names = try VerificationInput.names(path)
        if VerificationInput.name(path).hasPrefix("day=") || names.contains(where: Self.dayFiles.contains) {
            add(day: path)
        } else if names.contains(where: { $0.hasPrefix("day=") }) || VerificationInput.name(path).hasPrefix("tenant=") {
            add(tenant: path, isPartial: isPartial)
            addRecords(VerificationInput.parent(path))
        } else if names.contains(where: { $0.hasPrefix("tenant=") }) {
            // A pack holds some days of some tenants, and proofs.
            let isPack = names.contains("_pack.json")
            addRecords(path)
            if !isPartial, !isPack { isArchive = true }
            for name in names where name.hasPrefix("tenant=") {
                if VerificationInput.isFolder(path + "/" + name) {
                    add(tenant: path + "/" + name, isPartial: isPartial || isPack)
                } else {
                    findings.append(
                        Finding(
                            .fileExtra, path: path + "/" + name,
                            "It has the name of a tenant's folder, but is no folder that can be read."))
                }
            }
            addProofs(path, names)
        } else if VerificationInput.isFolder(path + "/archive") {
            try add(path + "/archive", isPartial: isPartial)
        } else {
            let count = proofs.count
            addProofs(path, names)
            guard proofs.count > count else {
                throw VerificationIOError(path: path, reason: "it holds neither tenant=… nor day=… folders, nor files of a day, nor proofs")
            }
        }
    }

    private mutating func add(file path: String) throws {
        if Self.dayFiles.contains(VerificationInput.name(path)) { return add(day: VerificationInput.parent(path)) }
        let head = try LocalFile(path: path)
        if try head.read(0..<min(head.count, LogProof.header.utf8.count)) == Array(LogProof.header.utf8) {
            proofs.append(path)
        } else if try head.read(0..<min(head.count, 4)) == Array("PK\u{3}\u{4}".utf8) {
            throw VerificationIOError(path: path, reason: "it is a ZIP file; unpack it, and verify the folder")
        } else {
            throw VerificationIOError(
                path: path, reason: "it is neither a proof nor one of \(Self.dayFiles.joined(separator: ", ")) in the folder of a day")
        }
    }

    private mutating func add(day path: String) {
        let folder = VerificationInput.parent(path)
        addRecords(VerificationInput.parent(folder))
        let name = Self.tenantName(folder) ?? DayFolder.claimedTenant(path) ?? "?"
        if let index = tenants.firstIndex(where: { $0.folder == folder && $0.name == name }) {
            if !tenants[index].days.contains(path) { tenants[index].days.append(path) }
        } else {
            tenants.append(Tenant(name: name, folder: folder, days: [path], isWhole: false))
        }
    }

    private mutating func add(tenant path: String, isPartial: Bool) {
        var tenant = Tenant(name: Self.tenantName(path) ?? "?", folder: path, isWhole: !isPartial)
        let names = tenant.names()
        if Self.tenantName(path) == nil {
            // A renamed copy: whose it is, its days say.
            let days = names.lazy.filter { $0.hasPrefix("day=") }
            tenant.name = days.compactMap { DayFolder.claimedTenant(path + "/" + $0) }.first ?? "?"
        }
        if names.isEmpty, tenant.findings.isEmpty, !isPartial {
            tenant.findings.append(
                Finding(.dayMissing, tenant: tenant.name, path: path, "The tenant's folder is empty: whatever was sealed of it is gone."))
        }
        for name in names {
            let entry = path + "/" + name
            if TenantVerifier.day(entry) != nil, VerificationInput.isFolder(entry) {
                tenant.days.append(entry)
            } else if name != "_hourly", name != SignedRecord.folderName, !name.hasPrefix(".") {
                // What begins with a dot is a seal that has not ended, or was killed: the server removes it.
                tenant.findings.append(
                    Finding(.fileExtra, tenant: tenant.name, path: entry, "It is nothing that belongs into the folder of a tenant."))
            }
        }
        tenants.append(tenant)
    }

    private mutating func addRecords(_ folder: String) {
        let records = folder + "/" + SignedRecord.folderName
        if VerificationInput.isNamed(records), !recordFolders.contains(records) { recordFolders.append(records) }
    }

    private mutating func addProofs(_ path: String, _ names: [String]) {
        for name in names {
            if name.hasSuffix(Self.proofSuffix) { proofs.append(path + "/" + name) }
            if name == "proofs", let inner = try? VerificationInput.names(path + "/" + name) { addProofs(path + "/" + name, inner) }
        }
    }

    private static func tenantName(_ folder: String) -> String? {
        let name = VerificationInput.name(folder)
        return name.hasPrefix("tenant=") ? String(name.dropFirst("tenant=".count)) : nil
    }
}
