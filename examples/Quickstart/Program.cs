using System.CommandLine;
using Ard.Examples;
using Ard.Examples.Quickstart;
using static Ard.Examples.Options;

var output = Text("--output", "Folder for models, reports and summary.json.", "out/demo");
var scale = Of("--scale", "Shrinks epochs and images, for a quick look at whether it runs.", 1, Fraction);
scale.Hidden = true;

return Entry.Run(args, cancellation =>
{
    var command = new RootCommand(
        "A robust teacher and three small students in an ML.NET pipeline, on built-in images: "
        + "a table, summary.json, models and report.html.")
    {
        output, Seed, Device, Threads, scale,
    };
    command.SetAction(p => Demo.Run(
        p.GetValue(output)!, p.GetValue(Seed), p.GetValue(Device)!, p.GetValue(Threads), Math.Min(1, p.GetValue(scale)), cancellation));
    return command;
});
