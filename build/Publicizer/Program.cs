// Publicizer ASSEMBLIES COPIES TYPES, lists with semicolons between.
// Writes copies of assemblies, for the compiler alone, in which these types and their methods are public. At run time the originals are
// taken, whose types an assembly with IgnoresAccessChecksToAttribute may use.
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

string[][] lists = [.. args.Select(list => list.Split(';'))];
var missing = lists[2].ToHashSet();
foreach (var (assembly, copy) in lists[0].Zip(lists[1]))
{
    var bytes = File.ReadAllBytes(assembly);
    using var file = new PEReader(File.OpenRead(assembly));
    var metadata = file.GetMetadataReader();
    foreach (var handle in metadata.TypeDefinitions)
    {
        var type = metadata.GetTypeDefinition(handle);
        if (!missing.Remove($"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}")) continue;
        Change(handle, 0, (int)TypeAttributes.VisibilityMask, (int)TypeAttributes.Public);
        foreach (var method in type.GetMethods())
            Change(method, 6, (int)MethodAttributes.MemberAccessMask, (int)MethodAttributes.Public);
    }
    Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
    var beside = $"{copy}.{Environment.ProcessId}";
    File.WriteAllBytes(beside, bytes);
    File.Move(beside, copy, overwrite: true);

    // Flags have their visibility in the first byte (ECMA-335, II.22.26 and II.22.37).
    void Change(EntityHandle handle, int flags, int mask, int visibility)
    {
        MetadataTokens.TryGetTableIndex(handle.Kind, out var table);
        var row = metadata.GetTableRowSize(table) * (MetadataTokens.GetRowNumber(handle) - 1);
        var at = file.PEHeaders.MetadataStartOffset + metadata.GetTableMetadataOffset(table) + row + flags;
        bytes[at] = (byte)((bytes[at] & ~mask) | visibility);
    }
}
foreach (var name in missing) Console.Error.WriteLine($"Publicizer : error : {lists[0][0]} and others have no type {name}");
return missing.Count;
