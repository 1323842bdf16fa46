using Ard.Examples;
using Ard.Examples.Distill;

return Entry.Run(CommandLine.WithVerb(args), CommandLine.Build);
