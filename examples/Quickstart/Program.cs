using System.CommandLine;
using Ard.Examples;
using Ard.Examples.Quickstart;
using static Ard.Examples.OptionReading;

var output = new Option<string>("--output") { DefaultValueFactory = _ => "out/demo" }
    .Reads("Folder for models, reports and summary.json.", text => text);
var seed = new Option<long>("--seed") { DefaultValueFactory = _ => 0 }
    .Reads("Fixes everything that chance decides.", WholeNumber);
var device = new Option<string>("--device") { DefaultValueFactory = _ => "auto" }
    .Reads("auto, cpu, cuda or cuda:N.", text => text);
var threads = new Option<int?>("--threads")
    .Reads("Threads on the CPU. Default: OMP_NUM_THREADS, else all processors.", text => (int?)Positive(text));
var scale = new Option<double>("--scale") { DefaultValueFactory = _ => 1, Hidden = true }
    .Reads("Shrinks epochs and images, for a quick look at whether it runs.", Fraction);

return Entry.Run(args, cancellation =>
{
    var command = new RootCommand(
        "A robust teacher and three small students in an ML.NET pipeline, on built-in images: "
        + "a table, summary.json, models and report.html.")
    {
        output, seed, device, threads, scale,
    };
    command.SetAction(p => Demo.Run(
        p.GetValue(output)!, p.GetValue(seed), p.GetValue(device)!, p.GetValue(threads), Math.Min(1, p.GetValue(scale)), cancellation));
    return command;
});
