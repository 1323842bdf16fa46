// Writes the API reference, docs/api, and src/*/PublicApi.txt, the list of public members by which a change of them is noticed in a review.
// The first argument is the repository. --check writes nothing: it names the files that are not up to date, and ends with 1 if there are.
using Ard.Reference;

var (root, check) = (args[0], args.Contains("--check"));
var library = new Library("Ard.Trainers", "Ard.MLNet");
var files = new Dictionary<string, string>();
foreach (var name in library.Assemblies.Keys) files[$"src/{name}/PublicApi.txt"] = PublicMembers.Of(library.Assemblies[name]);
foreach (var (name, text) in new ApiReference(library).Pages()) files[$"docs/api/{name}"] = text;

var stale = files.Where(file => Read(file.Key) != file.Value).Select(file => file.Key)
    .Concat(Directory.EnumerateFiles(Directory.CreateDirectory(Path.Combine(root, "docs/api")).FullName)
        .Select(path => $"docs/api/{Path.GetFileName(path)}").Except(files.Keys))
    .Order(StringComparer.Ordinal).ToArray();
foreach (var name in stale)
{
    Console.WriteLine(check ? $"{name} is not up to date: ./ard docs" : name);
    if (check) continue;
    if (files.TryGetValue(name, out var text)) File.WriteAllText(Path.Combine(root, name), text);
    else File.Delete(Path.Combine(root, name));
}
return check && stale.Length > 0 ? 1 : 0;

string? Read(string name) =>
    Path.Combine(root, name) is var path && File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : null;
