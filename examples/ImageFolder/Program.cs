using System.CommandLine;
using Ard.Examples;
using Ard.Examples.ImageFolder;
using static Ard.Examples.OptionReading;

var folder = new Option<string?>("--folder")
    .Reads("A folder of photographs with one folder a class. Default: drawn ones are made in OUTPUT/photographs.", text => text);
var images = new Option<int>("--images") { DefaultValueFactory = _ => 450 }.Reads("How many are drawn. Default 450.", Positive);
var size = new Option<int>("--size") { DefaultValueFactory = _ => 96 }
    .Reads("The pixels of a side that they are brought to. Default 96.", Positive);
var epochs = new Option<int>("--epochs") { DefaultValueFactory = _ => 12 }
    .Reads("Epochs of teacher and student. Default 12.", Positive);
var output = new Option<string>("--output") { DefaultValueFactory = _ => "out/photographs", Recursive = true }
    .Reads("Folder of the models and the report. Default out/photographs.", text => text);
var url = new Option<string>("--url") { DefaultValueFactory = _ => "http://localhost:5000" }
    .Reads("Where it answers. Default http://localhost:5000.", text => text);

return Entry.Run(args, cancellation =>
{
    var serve = new Command(
        "serve", "Answers over HTTP with the student: POST /classify takes an image, POST /train trains another one.")
    {
        url,
    };
    serve.SetAction(p => Service.Run(p.GetValue(output)!, p.GetValue(url)!, cancellation));
    var command = new RootCommand(
        "From a folder of photographs to a small robust classifier: trained, measured, saved, as ONNX, and served.")
    {
        folder, images, size, epochs, output, serve,
    };
    command.SetAction(p => Photographs.Train(
        p.GetValue(folder), p.GetValue(images), p.GetValue(size), p.GetValue(epochs), p.GetValue(output)!, cancellation));
    return command;
});
