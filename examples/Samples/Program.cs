// Runs samples by the names of their files; without a name, lists them.
using System.Reflection;

var samples =
    from type in Assembly.GetExecutingAssembly().GetTypes()
    let example = type.GetMethod("Example", BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
    where example is not null
    orderby type.Name
    select (Name: type.Name[..^"Sample".Length], Run: example.CreateDelegate<Action>());

if (args.Length == 0)
{
    Console.WriteLine("Expected the names of samples:");
    foreach (var (name, _) in samples) Console.WriteLine($"  {name}");
    return;
}
foreach (var argument in args)
{
    var sample = samples.FirstOrDefault(each => each.Name.Equals(argument, StringComparison.OrdinalIgnoreCase));
    if (sample.Run is null) throw new ArgumentException($"There is no sample '{argument}'; without an argument they are listed.");
    if (args.Length > 1) Console.WriteLine($"# {sample.Name}");
    sample.Run();
}
