// Publicizer INPUT OUTPUT TYPE...
// Writes a copy of an assembly, for the compiler alone, in which those of the types that it has, and their methods, are public. At run time
// the original is taken, whose types an assembly with IgnoresAccessChecksToAttribute may use.
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

var (input, output, names) = (args[0], args[1], args[2..].ToHashSet());
var bytes = File.ReadAllBytes(input);
using var file = new PEReader(File.OpenRead(input));
var metadata = file.GetMetadataReader();
foreach (var handle in metadata.TypeDefinitions)
{
    var type = metadata.GetTypeDefinition(handle);
    if (!names.Contains($"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}")) continue;
    Change(handle, 0, (int)TypeAttributes.VisibilityMask, (int)TypeAttributes.Public);
    foreach (var method in type.GetMethods())
        Change(method, 6, (int)MethodAttributes.MemberAccessMask, (int)MethodAttributes.Public);
}
File.WriteAllBytes(output, bytes);

// Flags have their visibility in the first byte (ECMA-335, II.22.26 and II.22.37).
void Change(EntityHandle handle, int flags, int mask, int visibility)
{
    MetadataTokens.TryGetTableIndex(handle.Kind, out var table);
    var row = metadata.GetTableRowSize(table) * (MetadataTokens.GetRowNumber(handle) - 1);
    var at = file.PEHeaders.MetadataStartOffset + metadata.GetTableMetadataOffset(table) + row + flags;
    bytes[at] = (byte)((bytes[at] & ~mask) | visibility);
}
